"""What would let a waiting execution start: changes as data, tried out by deciding."""
