"""What results are written as: a terminal, Markdown, LaTeX, records for programs."""
