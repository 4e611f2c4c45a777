"""The formats: one module each, holding its `FORMAT`; a new module here is a new format, of the command line too."""
