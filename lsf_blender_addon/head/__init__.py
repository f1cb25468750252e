"""Parameters to geometry: heads, skinning, landmarks, retargeting (numpy alone)."""
