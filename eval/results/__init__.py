"""What a benchmark found: plain files in one folder, and ways to look at them."""
