"""What all figures share: style, fonts, labels, files."""
