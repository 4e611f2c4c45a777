"""Reports: an executed notebook as one HTML file that loads nothing from anywhere."""
