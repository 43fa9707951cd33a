"""The ground floor of Plumbline: vocabulary, statistics, probes and the run store. Imports no deep-learning framework."""
