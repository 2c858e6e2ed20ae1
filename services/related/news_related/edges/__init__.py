"""What is read from the graph around articles: edges from meaning, copies, threads, stories."""
