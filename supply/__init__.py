"""What hexauth is made of: whether there are known holes in it."""
