"""Methods that change what a model is asked to answer: softer labels, a teacher, itself."""
