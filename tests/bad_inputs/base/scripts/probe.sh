#!/bin/sh
echo "tool 1.2.3 sha256=0 running"
