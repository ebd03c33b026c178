/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every code a diagnostic can have, and what it stands for. A code keeps its meaning for ever and is
 * never given again; tests/golden fails when one is used that is not here, or is not in the corpus.
 *
 * E01xx  the text and its form           (document/)
 * E02xx  the shape of a description      (schema/)
 * E03xx  objects against each other      (graph/)
 * E04xx  the host, and what failed there (build/, devices/)
 */
#pragma once

#define DIAG_CODES(CODE)                                                                           \
	CODE("E0101", "the file cannot be read")                                                   \
	CODE("E0102", "the file is no text in UTF-8, or holds a character that YAML does not take") \
	CODE("E0103", "a tab is used to indent")                                                   \
	CODE("E0104", "the indentation does not fit the lines around")                             \
	CODE("E0105", "a quote is opened and never closed")                                        \
	CODE("E0106", "a bracket or brace is opened and never closed, or misses a comma")          \
	CODE("E0107", "a key has no colon, or the colon no space after it")                        \
	CODE("E0108", "a value holds or begins with a character that means something in YAML")     \
	CODE("E0109", "an escape in double quotes is not known")                                   \
	CODE("E0110", "the text is no YAML for another reason")                                    \
	CODE("E0111", "a key is there twice")                                                      \
	CODE("E0112", "a key is no plain word")                                                    \
	CODE("E0113", "an alias names nothing, or the value it stands in")                         \
	CODE("E0114", "what a merge key (<<) names is no map")                                     \
	CODE("E0115", "a tag is not used in descriptions, or does not fit its value")              \
	CODE("E0116", "a number cannot be told: leading zeros, or too large")                      \
	CODE("E0117", "the description is empty, or no map")                                       \
	CODE("E0118", "a second document begins")                                                  \
	CODE("E0119", "a budget that keeps hostile files harmless is passed")                      \
	CODE("E0120", "an override of the command line has no key or no value")                    \
	CODE("E0201", "a key is not known here")                                                   \
	CODE("E0202", "a key that has to be there is missing")                                     \
	CODE("E0203", "a value is of another kind than its key takes")                             \
	CODE("E0204", "a number, size or duration is out of range")                                \
	CODE("E0205", "a value is none of those that are possible")                                \
	CODE("E0206", "a string does not have its form")                                           \
	CODE("E0207", "a size, duration, rate, address or list of CPUs cannot be told")            \
	CODE("E0208", "a string is too short or too long")                                         \
	CODE("E0209", "a list or map has too few or too many items")                               \
	CODE("E0210", "a key cannot be together with another, or needs another")                   \
	CODE("E0211", "a type is not known")                                                       \
	CODE("E0212", "a device type exists and was not built in")                                 \
	CODE("E0213", "a key that the author chooses does not have its form")                      \
	CODE("E0214", "a key is deprecated")                                                       \
	CODE("E0301", "cpus.max is less than cpus.count")                                          \
	CODE("E0302", "the topology does not hold the number of CPUs")                             \
	CODE("E0303", "an affinity is given to a virtual CPU that is not there")                   \
	CODE("E0304", "the size of memory is no multiple of its pages")                            \
	CODE("E0305", "two devices use what only one can have")                                    \
	CODE("E0306", "a second device of a type that a machine has once")                         \
	CODE("E0311", "two devices ask for one PCI slot")                                          \
	CODE("E0312", "there is no PCI slot left")                                                 \
	CODE("E0313", "there is no room for interrupts, memory slots or BARs")                     \
	CODE("E0410", "the host has not enough memory for the guest")                              \
	CODE("E0411", "the host has not enough huge pages for the guest")                          \
	CODE("E0412", "the host cannot take memory in advance")                                    \
	CODE("E0413", "memory is no multiple of its pages")                                        \
	CODE("E0414", "KVM takes no memory at a guest address")                                    \
	CODE("E0420", "KVM cannot create a vCPU")                                                  \
	CODE("E0421", "the thread of a vCPU cannot be started")                                    \
	CODE("E0422", "no processor feature has that name")                                        \
	CODE("E0423", "the host cannot give a processor feature")                                  \
	CODE("E0424", "the host has fewer address bits")                                           \
	CODE("E0430", "a file or device of the host that a device needs cannot be opened")         \
	CODE("E0431", "the image of a disk cannot be used")                                        \
	CODE("E0432", "the backend of a network device cannot be had")                             \
	CODE("E0440", "/dev/kvm cannot be opened")                                                 \
	CODE("E0441", "the host's KVM lacks what every machine needs")                             \
	CODE("E0442", "the host cannot create a virtual machine")                                  \
	CODE("E0490", "a part cannot be changed or removed while the guest runs")                  \
	CODE("E0491", "the firmware tables do not fit")                                            \
	CODE("E0492", "KVM refuses the registers the guest starts with")                           \
	CODE("E0493", "the fixed devices of the machine cannot be made")                           \
	CODE("E0494", "the PCI bus cannot be made")
