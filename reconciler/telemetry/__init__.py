"""Who looks on: metrics, and traces from a commit to its proof."""
