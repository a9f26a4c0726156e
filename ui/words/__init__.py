"""What is shown, in words: states and sizes, safe labels and prose, figures and plots."""
