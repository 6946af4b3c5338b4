"""The meta-broker of the SKA Regional Centre Network."""
