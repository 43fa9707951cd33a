"""Error by group: metrics, gaps, families of tests, power, calibration, thresholds, impact ratios."""
