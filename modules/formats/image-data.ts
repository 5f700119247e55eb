export interface ImageShape {
  readonly height: number;
  readonly width: number;
  /** 1 (grey) or 3 (red, green, blue); IDX files may have any number. */
  readonly channels: number;
}

export interface LabelledImages {
  readonly count: number;
  readonly shape: ImageShape;
  /** Class names; `label` answers an index into them. */
  readonly labels: readonly string[];
  /** Bytes 0 to 255, row by row, channels last. */
  readonly pixels: (index: number) => Uint8Array;
  readonly label: (index: number) => number;
}
