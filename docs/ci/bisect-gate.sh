#!/bin/sh
# For `git bisect run`: a gate of the commit that is checked out, in the words of bisect.
#
#   cp docs/ci/bisect-gate.sh /tmp/ && git bisect start BAD GOOD
#   git bisect run /tmp/bisect-gate.sh base=GOOD [more words of the gate]
#
# Bisect takes 0 for good, 125 for "cannot be told", any other code below 128 for bad, and from 128
# on it stops. So what is no answer about the commit must not reach it as it is.
${PYTHON:-python} -m harness gate "$@"
case $? in
    0) exit 0 ;;       # nothing is worse than at base
    1 | 6) exit 1 ;;   # slower, heavier, less accurate, or a wrong gradient
    3 | 4) exit 125 ;; # inconclusive, or nothing was measured: try a neighbour
    *) exit 255 ;;     # wrong words, another environment or a bug: it would be so at every commit
esac
