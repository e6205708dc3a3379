"""Which figures a study needs, drawn from what its report has gathered."""
