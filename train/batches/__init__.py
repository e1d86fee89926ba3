"""Make batches for trainings from rendered and real samples."""
