"""How the video of a vendor gets into the output bucket, with a file that says where it comes from."""
