/** What a manifest says of how it is to be treated, by annotations `brokkr.io/<name>`. */
export interface Policies {
  /** It stays when it leaves the bundle, or its stack goes. */
  readonly prune?: "disabled";
  /** `once`: applied once for this manifest; `if-absent`: only made, never changed. */
  readonly apply?: "once" | "if-absent";
  /** It may be deleted and made anew where a field of it can't be changed. */
  readonly replace?: "immutable";
  /** JSON pointers of fields that are applied when the object is made, and left out from then on. */
  readonly ignore?: readonly string[];
  /** `disabled`: a field that another manager owns is a refusal; `always`: no field is ever left to another manager. */
  readonly force?: "disabled" | "always";
  /** What becomes at the end of an object that was there before: deleted (`own`) or released (`keep`). */
  readonly adopt?: "own" | "keep";
}
