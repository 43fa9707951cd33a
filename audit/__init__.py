"""The ground floor: vocabulary, statistics, probes and the run store. No deep-learning framework."""
