import { Option } from 'commander';
import { layerSettings } from '../containerizer/image/layer-form.js';

/** What becomes of layers that are new to the store. */
export function layersFlag(): Option {
  return new Option(
    '--layers <form>',
    'what new layers become: folders of their files, one EROFS image each, or auto; by default what berth image layers says',
  ).choices([...layerSettings]);
}
