/** The descriptors that a sub-runtime inherits beside stdin, stdout and stderr: for its reports, and for calls on the channel. */
export const reportsDescriptor = 3;
export const callsDescriptor = 4;
