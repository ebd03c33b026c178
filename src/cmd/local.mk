# SPDX-License-Identifier: Apache-2.0
weft_SOURCES +=
