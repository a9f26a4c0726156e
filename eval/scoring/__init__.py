"""What is measured: the measures, the statistics, and the comparison of two systems."""
