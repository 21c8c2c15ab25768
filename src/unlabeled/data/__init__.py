"""From a folder, archive, array, table or text to batches; never a label on the way to pretraining."""
