"""What the model is taught: which icons, what else they are called, which colours, in which phrasings."""

# Names of Fluent Emoji icons.
THINGS = """
red-heart blue-heart green-heart yellow-heart purple-heart broken-heart cat-face cat dog-face dog mouse-face
hamster rabbit-face fox bear panda koala tiger-face lion cow-face pig-face frog monkey-face chicken penguin
bird eagle duck owl bat wolf horse-face unicorn honeybee bug butterfly snail lady-beetle ant spider turtle
snake octopus squid shrimp lobster crab blowfish tropical-fish fish dolphin whale shark crocodile elephant
giraffe camel hedgehog dragon-face sauropod t-rex
cactus evergreen-tree deciduous-tree palm-tree seedling four-leaf-clover maple-leaf mushroom tulip rose
sunflower blossom cherry-blossom bouquet
pizza hamburger french-fries hot-dog taco sandwich egg cooking bread croissant pretzel pancakes cheese-wedge
poultry-leg bacon popcorn sushi doughnut cookie birthday-cake shortcake cupcake pie chocolate-bar candy
lollipop ice-cream soft-ice-cream honey-pot hot-beverage teacup-without-handle beer-mug wine-glass
cocktail-glass
grapes melon watermelon tangerine lemon banana pineapple mango red-apple green-apple pear peach cherries
strawberry kiwi-fruit tomato coconut avocado eggplant potato carrot ear-of-corn hot-pepper cucumber broccoli
garlic onion peanuts
automobile taxi bus police-car ambulance fire-engine delivery-truck tractor racing-car motorcycle bicycle
kick-scooter train locomotive airplane helicopter rocket flying-saucer sailboat speedboat ship anchor
house house-with-garden castle office-building hospital school church tent mountain snow-capped-mountain
volcano desert-island sun full-moon crescent-moon star cloud rainbow umbrella snowman snowflake fire droplet
water-wave high-voltage globe-showing-americas
soccer-ball basketball american-football baseball tennis volleyball trophy guitar violin trumpet drum
microphone headphone musical-note game-die puzzle-piece teddy-bear kite balloon wrapped-gift christmas-tree
jack-o-lantern
robot ghost alien skull pile-of-poo clown-face smiling-face-with-sunglasses smiling-face-with-smiling-eyes
loudly-crying-face angry-face thumbs-up
crown top-hat t-shirt jeans dress backpack handbag running-shoe high-heeled-shoe glasses ring gem-stone
lipstick
laptop mobile-phone camera television light-bulb candle book closed-book key lock hammer magnet telescope
microscope bell clock alarm-clock hourglass-done envelope pencil scissors paintbrush artist-palette chair
couch-and-lamp bed toilet bathtub door wrench bomb crystal-ball
""".split()

# What else people call them.
SYNONYMS = {
    "automobile": ["car"],
    "hot-beverage": ["coffee", "cup of coffee", "hot coffee"],
    "deciduous-tree": ["tree"],
    "evergreen-tree": ["pine tree"],
    "crescent-moon": ["moon"],
    "full-moon": ["full moon"],
    "soccer-ball": ["soccer ball", "football"],
    "doughnut": ["donut"],
    "honeybee": ["bee"],
    "lady-beetle": ["ladybug"],
    "birthday-cake": ["cake", "birthday cake"],
    "red-apple": ["apple", "red apple"],
    "house-with-garden": ["house with a garden"],
    "red-heart": ["heart", "red heart", "love"],
    "high-voltage": ["lightning"],
    "television": ["tv"],
    "wrapped-gift": ["gift", "present"],
    "jack-o-lantern": ["pumpkin"],
    "laptop": ["computer", "laptop"],
    "mobile-phone": ["phone", "smartphone"],
    "cooking": ["fried egg"],
    "delivery-truck": ["truck"],
    "running-shoe": ["shoe", "sneaker"],
    "teddy-bear": ["teddy bear"],
    "sauropod": ["dinosaur"],
    "t-rex": ["dinosaur", "tyrannosaurus"],
    "sailboat": ["boat", "sailing boat"],
    "flying-saucer": ["ufo", "flying saucer"],
    "beer-mug": ["beer"],
    "wine-glass": ["glass of wine", "red wine"],
    "tangerine": ["orange fruit", "tangerine"],
    "soft-ice-cream": ["ice cream cone"],
    "smiling-face-with-sunglasses": ["cool face", "smiling face with sunglasses"],
    "smiling-face-with-smiling-eyes": ["happy face", "smiley"],
    "angry-face": ["angry face"],
    "loudly-crying-face": ["crying face"],
    "globe-showing-americas": ["earth", "globe", "planet earth"],
    "water-wave": ["wave", "ocean wave"],
    "pile-of-poo": ["poop"],
    "racing-car": ["race car", "formula one car"],
    "gem-stone": ["diamond", "gem"],
    "closed-book": ["red book"],
    "hourglass-done": ["hourglass"],
    "ear-of-corn": ["corn"],
    "high-heeled-shoe": ["high heel"],
    "cheese-wedge": ["cheese"],
    "dragon-face": ["dragon"],
    "microscope": ["microscope"],
    "poultry-leg": ["chicken leg"],
    "french-fries": ["fries"],
    "hamburger": ["burger"],
}

# Hues in degrees.
COLOURS = {"red": 0, "orange": 26, "yellow": 48, "green": 125, "blue": 212, "purple": 275, "pink": 328}

# Icons that are also taught in every colour, and what they are called then.
COLOURED = {
    "red-apple": "apple",
    "automobile": "car",
    "rocket": "rocket",
    "umbrella": "umbrella",
    "t-shirt": "t-shirt",
    "balloon": "balloon",
    "fish": "fish",
    "butterfly": "butterfly",
    "bicycle": "bicycle",
    "guitar": "guitar",
    "key": "key",
    "star": "star",
    "crown": "crown",
    "tulip": "tulip",
    "rose": "rose",
    "closed-book": "book",
    "backpack": "backpack",
    "mushroom": "mushroom",
    "cat-face": "cat face",
    "octopus": "octopus",
    "crab": "crab",
    "whale": "whale",
    "bus": "bus",
    "sailboat": "boat",
    "dress": "dress",
    "candle": "candle",
    "red-heart": "heart",
    "strawberry": "strawberry",
    "hot-pepper": "pepper",
    "fire-engine": "fire engine",
    "bird": "bird",
    "chair": "chair",
    "banana": "banana",
    "frog": "frog",
    "gem-stone": "diamond",
    "racing-car": "race car",
    "snail": "snail",
    "turtle": "turtle",
    "airplane": "airplane",
    "house": "house",
    "dragon-face": "dragon",
}

# Pairs that are never taught, to see whether the model combines what it knows.
HELD_OUT = {
    ("apple", "blue"),
    ("banana", "blue"),
    ("bus", "pink"),
    ("car", "purple"),
    ("cat face", "green"),
    ("crown", "red"),
    ("dress", "yellow"),
    ("fish", "red"),
    ("rocket", "pink"),
    ("umbrella", "green"),
}

# Phrasings and their weights.
PHRASINGS = {
    "{}": 6,
    "a {}": 4,
    "the {}": 1,
    "a picture of a {}": 1,
    "a photo of a {}": 1,
    "an icon of a {}": 1,
    "a drawing of a {}": 1,
    "{} emoji": 1,
    "an illustration of a {}": 1,
    "a cute {}": 1,
    "a small {}": 1,
    "{} on a white background": 1,
    "a simple {} icon": 1,
    "image of {}": 1,
}

# Words of the phrasings, and a few more that prompts hold.
FILLERS = (
    "a an the of on in with and picture photo icon drawing illustration image emoji small big cute little "
    "simple white background style cartoon "
).split()
