"""Signal processing: linear prediction, roots, McAdams rendering, synthetic voices."""
