"""What commands print on."""
