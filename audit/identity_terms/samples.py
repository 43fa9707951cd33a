"""The four samples of an identity and a label, and the six pairs of them whose scores are compared.

g+ and g- are the rows that speak of the identity, with and without the label; b+ and b- the background: all
other annotated rows.

Source:
    Borkan et al. (2019), arXiv 1903.04561.
"""

from __future__ import annotations

SAMPLES = ("b-", "b+", "g-", "g+")
BACK_NEG, BACK_POS, OWN_NEG, OWN_POS = range(4)
PAIRS = ("subgroup", "bpsn", "bnsp", "background", "plus", "minus")
"""P(upper > lower): g+ over g-, b+ over g-, g+ over b-, b+ over b-, g+ over b+, g- over b-."""
SUBGROUP, BPSN, BNSP, BACKGROUND, PLUS, MINUS = range(6)
LOWER = (OWN_NEG, OWN_NEG, BACK_NEG, BACK_NEG, BACK_POS, BACK_NEG)
UPPER = (OWN_POS, BACK_POS, OWN_POS, BACK_POS, OWN_POS, OWN_NEG)
