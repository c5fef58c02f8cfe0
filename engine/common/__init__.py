"""What every room uses: no science, no imports from other rooms."""
