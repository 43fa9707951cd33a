"""Two versions on the same examples: paired changes by slice, flips, verdicts and a gate."""
