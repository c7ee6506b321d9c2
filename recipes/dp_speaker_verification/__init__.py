"""ECAPA-TDNN for speaker verification with differential privacy: EER against epsilon."""
