"""Speed beside other libraries: paired, interleaved, each side in an environment of its own."""
