// What every panel renderer is given.
import type { PanelData } from '../ask.ts';
import type { Frame } from '../frames.ts';
import type { Scope } from '../interpolate.ts';
import type { Panel } from '../model.ts';

export interface Drawn {
  panel: Panel;
  /** After transformations. */
  frames: Frame[];
  data: PanelData;
  scope: Scope;
  title: string;
  /** Key of the crosshair shared by the dashboard's charts. */
  sync: string | undefined;
  onZoom: (fromSeconds: number, toSeconds: number) => void;
  onZoomOut: () => void;
}
