import path from 'node:path';
import { codeIdentity } from '../../installation.js';
import type { Roots } from '../../state/roots.js';
import { layerLocks } from '../image/idle-layers.js';
import { parseReference } from '../image/reference.js';
import { cgroupDirectories, cgroupPlaces } from './cgroup-places.js';
import { neededControllers } from './describe/resources.js';
import { idRanges } from './id-claim.js';
import { keptOf } from './kept-request.js';
import type { LaunchRequest } from './launch.js';
import { describeLaunch, type LaunchDocuments, type LaunchFindings } from './launch-documents.js';
import { type Conditions, conditionsNow, frontExists, withLayers } from './recipe-conditions.js';
import { keepRecipe } from './recipe-store.js';
import { fill, Marks, type Template } from './recipe-template.js';

/**
 * How to launch another container of the same command line without describing it anew: what it is described by, with slots for what differs, and what must hold
 * for that. Only native/front reads it (docs/architecture.md).
 */
export interface Recipe {
  format: 1;
  /** The code that described it. */
  build: string;
  conditions: Conditions;
  /** As the caller named it. */
  image: string;
  remove: boolean;
  /** The terminal's size is described. */
  sized: boolean;
  /** Where ids are claimed from. */
  ids: { file: string; first: number; size: number; count: number };
  /** Of control groups: what the containers of a root share, and the scope of systemd that it lies in. */
  scope: string | null;
  supervisors: string | null;
  shared: string[];
  /** Of layers: what is mounted on them while a container runs, and the locks of those who need it otherwise. */
  mounted: string[];
  layer_locks: string[];
  /** What is run where no command is given; what stands before any command is in the documents. */
  default_args: string[];
  documents: { config: Template; launch: Template; container: Template; request: Template };
}

/** Sees to one recipe: made before the launch, told what was launched, and then asked to keep it. */
export class RecipeMaker {
  #launched: { findings: LaunchFindings; documents: LaunchDocuments; asked: LaunchRequest } | undefined;
  #warned = false;

  private constructor(
    private readonly roots: Roots,
    private readonly source: string | undefined,
    private readonly before: Conditions,
  ) {}

  /** Undefined: an image of that reference is found anew each time. */
  static start(roots: Roots, reference: string): RecipeMaker | undefined {
    if (codeIdentity === undefined || !frontExists()) return undefined;
    const parsed = parseReference(reference);
    const isLayout = parsed.kind === 'layout';
    // A relative path would lead elsewhere from another folder.
    if (isLayout ? !reference.startsWith(`oci:${parsed.directory}`) : parsed.kind !== 'stored')
      return undefined;
    const source = isLayout ? path.join(parsed.directory, 'index.json') : undefined;
    return new RecipeMaker(roots, source, conditionsNow(roots, source));
  }

  /** For a LaunchRequest. */
  readonly onLaunched: NonNullable<LaunchRequest['onLaunched']> = (findings, documents, asked) => {
    this.#launched = { findings, documents, asked };
  };

  /** Whoever is to be warned is to be warned again. */
  readonly onWarning = (): void => {
    this.#warned = true;
  };

  /** `words`: the command line after the verb, up to the image. */
  keep(words: readonly string[]): void {
    try {
      const recipe = this.#warned ? undefined : this.#recipe();
      if (recipe !== undefined) keepRecipe(this.roots, words, recipe);
    } catch (error) {
      // Somebody may have removed the image meanwhile, or the disk be full: the next launch takes as long as this one, and no container is the worse for it.
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    }
  }

  #recipe(): Recipe | undefined {
    if (this.#launched === undefined || codeIdentity === undefined) return undefined;
    const { findings, documents, asked } = this.#launched;
    const { id, name, firstId, attachments, nameService, volumes, peers, resources, cgroup } = findings;
    // Whether it may still be run is asked each time.
    const { appc, judged, configured } = asked.image;
    if (appc !== undefined || judged === true || configured === true) return undefined;
    const others = [volumes, nameService, attachments, Object.keys(peers)].some(({ length }) => length > 0);
    if (name !== id || firstId === null || others) return undefined;
    const now = conditionsNow(this.roots, this.source);
    if (JSON.stringify(now) !== JSON.stringify(this.before)) return undefined;

    const marks = new Marks();
    const { image, options, client } = asked;
    const size = { height: marks.number('height'), width: marks.number('width') };
    const marked: LaunchRequest = {
      image,
      options: { ...options, command: [marks.text('args')] },
      client: client?.size === undefined ? client : { ...client, size },
    };
    const described = describeLaunch(this.roots, marked, {
      ...findings,
      ...{ id: marks.text('id'), name: marks.text('id'), createdAt: marks.text('created_at') },
      firstId: marks.number('first_id'),
      cgroup: cgroupPlaces(this.roots, marks.text('id'), neededControllers(resources)),
    });
    const { entrypoint } = options;
    const recipe: Recipe = {
      format: 1,
      build: codeIdentity,
      conditions: withLayers(now, image),
      image: image.reference,
      remove: options.remove,
      sized: client?.size !== undefined,
      ids: idRanges(),
      scope: cgroup.scope,
      supervisors: cgroup.supervisors,
      shared: [...new Set(cgroupDirectories(cgroup).map((directory) => path.dirname(directory)))],
      mounted: (image.mounted ?? []).map(({ directory }) => directory),
      layer_locks: layerLocks(this.roots),
      default_args: entrypoint === undefined ? (image.config.config?.Cmd ?? []) : [],
      documents: {
        config: marks.template(described.config),
        launch: marks.template(described.facts),
        container: marks.template(described.document),
        request: marks.template(keptOf(this.roots, marked)),
      },
    };
    return this.#givesTheSame(recipe, findings, documents, asked) ? recipe : undefined;
  }

  /** What cannot be described again as it was is described anew each time. */
  #givesTheSame(
    recipe: Recipe,
    { id, createdAt, firstId }: LaunchFindings,
    { config, facts, document }: LaunchDocuments,
    asked: LaunchRequest,
  ): boolean {
    const { height = 0, width = 0 } = asked.client?.size ?? {};
    const { command } = asked.options;
    const args = command.length > 0 ? command : recipe.default_args;
    const values = { id, created_at: createdAt, first_id: firstId ?? 0, height, width, args };
    const { documents } = recipe;
    return (
      fill(documents.config, values) === JSON.stringify(config) &&
      fill(documents.launch, values) === JSON.stringify(facts) &&
      fill(documents.container, values) === JSON.stringify(document) &&
      fill(documents.request, { ...values, args: command }) === JSON.stringify(keptOf(this.roots, asked))
    );
  }
}
