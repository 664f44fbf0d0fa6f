#!/bin/sh
# Deletes ONNX Runtime's native code for other platforms from an installed folder: sh slim.sh node_modules/onnxruntime-node
# On Linux x64 that is 245 MB of 288. Only for images and folders that are not moved to another platform.
set -eu
bin="$(echo "$1"/bin/napi-v*)"
keep="$(node -p 'process.platform + "/" + process.arch')"
test -d "$bin/$keep" # else there is nothing to keep
find "$bin" -mindepth 2 -maxdepth 2 -type d ! -path "$bin/$keep" -exec rm -r {} +
find "$bin" -mindepth 1 -maxdepth 1 -type d -empty -delete
