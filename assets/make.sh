#!/usr/bin/env bash
# Draws the PNG files of the icon from icon.svg. It needs rsvg-convert
# (Debian: librsvg2-bin).
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p png
for size in 16 22 24 32 48 64 128 256 512; do
  rsvg-convert -w "$size" -h "$size" icon.svg -o "png/hither-$size.png"
done
