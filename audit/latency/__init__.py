"""Speed under working conditions: time of a call, throughput and memory by batch, threads and precision."""
