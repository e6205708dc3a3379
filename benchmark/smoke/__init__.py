"""`bench run --smoke`: a study from end to end on made-up data and tiny random weights."""
