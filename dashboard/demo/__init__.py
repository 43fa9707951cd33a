"""The demo: three models, two versions each, trained on data with planted faults, audited and compared."""
