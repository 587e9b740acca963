"""What is measured: metrics, and traces from a commit to its proof."""
