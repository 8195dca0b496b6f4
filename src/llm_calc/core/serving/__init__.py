"""From the operators of a step to what users wait for: first token, next token, throughput."""
