"""Each known way to lose money, R1 to R13, as a story that must end well."""
