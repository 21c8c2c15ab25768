"""With labels: kNN, linear probe, few labels, words; always beside the baselines."""
