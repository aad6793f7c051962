/** Labels under this prefix belong to the convention of ApplySets: a manifest may not bring its own. */
export const APPLYSET_PREFIX = "applyset.kubernetes.io/";
/** The label that makes an object a member of a set; its value is the set's id. */
export const PART_OF = "applyset.kubernetes.io/part-of";
/** Annotations under this prefix are the program's: marks, and the policies that a manifest may bring. */
export const OWN_PREFIX = "brokkr.io/";
/** Annotation: the agent that applied an object, or keeps a parent. */
export const OWNER_ID = "brokkr.io/owner-id";
/** Annotation of a member: its stack's id. */
export const STACK = "k8s.brokkr.io/stack";
/** Annotation of a member: the SHA-256 of its one manifest. */
export const MANIFEST_CHECKSUM = "brokkr.io/manifest-checksum";
/** Annotation of a member that was there before us: it is released, never deleted. */
export const ADOPTED = "brokkr.io/adopted";
