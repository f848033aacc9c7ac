"""Reviews of pull requests, made beside the loop: what a merge would do, and whether it did."""
