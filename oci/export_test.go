package oci

// Update says whether golden files are to be rewritten.
var Update = update
