"""Questions with what is known about their answers, from every layout that is read."""
