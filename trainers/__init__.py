"""One run: model, data and method in; scores, predictions and costs out."""
