"""What a view is: pure rules from the records of a partition to counts."""
