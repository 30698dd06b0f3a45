"""What can break, each as a few declarative lines (fault.py), by area; ../test_faults.py tries them."""
