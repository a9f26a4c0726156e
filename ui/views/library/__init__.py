"""The library: adding files, what became of each, and looking into one."""
